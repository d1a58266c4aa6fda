// A photo before it is sent: turned upright, shrunk, and looked at. The paper is what counts, not the table.

const LONGEST = 2048; // pixels of the long side
const QUALITY = 0.85;
const SMALL_PNG = 1_000_000; // bytes: a screenshot stays as sharp as it is
const LOOK = 768; // pixels of the long side of what is judged
const TILE = 32;

/** Below these a payslip cannot be read. Tried on photos made for it: tests/journeys/test_picture.py */
const SHORT_SIDE = 480; // pixels
const PAPER = 125; // how bright the brightest hundredth is, of 255
const EDGES = 0.003; // variance of the Laplacian in the sharpest tiles, as a share of the contrast squared

/**
 * What to send for `file`, and how it looks. A file that the browser cannot draw (HEIC on most phones), or not as a
 * whole (PDF, TIFF), is sent as it is, and nothing is said about it.
 *
 * Resolves to `{blob, fault, thumb}`: `fault` is "dark", "blurred", "small" or null; `thumb` a canvas or null.
 */
export async function prepare(file) {
  let bitmap;
  try {
    if (/(pdf|tiff?)$/i.test(file.type || file.name)) {
      throw new TypeError("it may have more pages than the one that some browsers draw");
    }
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    const large = draw(bitmap, ...fit(bitmap, LONGEST));
    const fault = Math.min(width, height) < SHORT_SIDE ? "small" : judge(draw(large, ...fit(large, LOOK)));
    return { blob: await smaller(file, large, large.width < width), fault, thumb: draw(large, 128, 160) };
  } catch {
    return { blob: file, fault: null, thumb: null };
  } finally {
    bitmap?.close();
  }
}

/** The drawn picture, if that is worth it: a photo loses its turn, its place and most of its weight. */
async function smaller(file, large, shrunk) {
  if (!shrunk && file.type === "image/png" && file.size <= SMALL_PNG) {
    return file;
  }
  const drawn = await new Promise((done) => large.toBlob(done, "image/jpeg", QUALITY));
  return drawn && drawn.size < file.size ? drawn : file;
}

function fit({ width, height }, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** As large as asked for; what has another shape fills it from the middle. */
function draw(source, width, height) {
  const scale = Math.max(width / source.width, height / source.height);
  const [wide, high] = [source.width * scale, source.height * scale];
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d", { willReadFrequently: width <= LOOK && height <= LOOK });
  pen.fillStyle = "#fff"; // where a PNG lets the ground shine through
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, (width - wide) / 2, (height - high) / 2, wide, high);
  return canvas;
}

/** How bright and how sharp a canvas is, and what that means. */
function judge(canvas) {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const grey = new Uint8Array(width * height);
  const counts = new Uint32Array(256);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = (data[at * 4] * 77 + data[at * 4 + 1] * 150 + data[at * 4 + 2] * 29) >> 8;
    counts[grey[at]] += 1;
  }
  const share = (part) => {
    let seen = 0;
    return counts.findIndex((count) => (seen += count) > grey.length * part);
  };
  const bright = share(0.99);
  const contrast = Math.max(60, bright - share(0.02));
  const tiles = [];
  for (let top = 1; top + TILE < height; top += TILE) {
    for (let left = 1; left + TILE < width; left += TILE) {
      tiles.push(edges(grey, width, left, top));
    }
  }
  tiles.sort((one, other) => other - one);
  const sharp = (tiles[Math.floor(tiles.length / 100)] ?? Infinity) / contrast ** 2;
  return bright < PAPER ? "dark" : sharp < EDGES ? "blurred" : null;
}

/** Variance of the Laplacian in one tile. */
function edges(grey, width, left, top) {
  let sum = 0;
  let squares = 0;
  for (let y = top; y < top + TILE; y += 1) {
    for (let x = left; x < left + TILE; x += 1) {
      const at = y * width + x;
      const edge = 4 * grey[at] - grey[at - 1] - grey[at + 1] - grey[at - width] - grey[at + width];
      sum += edge;
      squares += edge * edge;
    }
  }
  const count = TILE * TILE;
  return squares / count - (sum / count) ** 2;
}

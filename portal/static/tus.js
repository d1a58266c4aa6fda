// Sends one file by the tus 1.0 protocol and does not lose heart: a cut line, a server that comes back, another
// network, another day. Knows nothing of pages.

const SMALLEST = 64 * 1024; // bytes in one request; the network decides how many
const FIRST = 256 * 1024;
const LARGEST = 1024 * 1024;
const PAUSES = [500, 1000, 2000, 5000, 10_000, 20_000];
const PATIENCE = 60_000; // a request without an answer for so long is given up, and the server asked how far it got
const MISMATCHES = 4; // checksums that fail this often do not fail by chance

/** The server will not take it. `reason` and `sentence` are the server's own, if it gave any. */
export class Refused extends Error {
  constructor(status, { reason = "", sentence = "" } = {}) {
    super(`${status} ${reason}`);
    Object.assign(this, { status, reason, sentence });
  }
}

/** The session is over. What was sent so far stays on the server. */
export class SignInAgain extends Error {}

class Lost extends Error {} // the server no longer knows this upload

/**
 * Send `blob`, from wherever an earlier try has ended. Resolves to the server's name for the file (or null) once the
 * server has it whole; rejects with `Refused`, `SignInAgain`, an AbortError, or the error of a blob that cannot be
 * read. Nothing else ends it.
 *
 * `to`: where uploads are created; `url`: the upload of an earlier try. `metadata()`: texts for the creation.
 * `headers`: for every request. `signal`: ends it. `created(url)`, `lost()`: the upload has an address, or none any
 * more. `progress(bytes)`: so many are safe. `waiting(theirs)`: a try has failed, the next one comes by itself;
 * `theirs`: the server itself has said that it cannot take anything now.
 */
export async function send(blob, { to, url, metadata, headers, signal, created, lost, progress, waiting }) {
  const data = { "Content-Type": "application/offset+octet-stream" };
  let offset = null; // null: the server has to be asked
  let piece = FIRST;
  let failures = 0;
  let mismatches = 0;

  async function step() {
    if (!url) {
      const whole = blob.size > 0 && blob.size <= FIRST;
      const answer = await request("POST", to, headers, signal, whole ? await bytes(blob, 0, blob.size) : undefined, {
        "Upload-Length": `${blob.size}`,
        "Upload-Metadata": Object.entries(metadata()).map(([name, text]) => `${name} ${base64(utf8(text))}`).join(),
        ...(whole ? data : {}),
      });
      url = new URL(answer.headers.get("Location"), new URL(to, location.href)).href;
      created?.(url);
      return answer;
    }
    if (offset === null) {
      return request("HEAD", url, headers, signal);
    }
    const body = await bytes(blob, offset, piece);
    const started = performance.now();
    const answer = await request("PATCH", url, headers, signal, body, {
      ...data,
      "Upload-Offset": `${offset}`,
      ...(await checksum(body)),
    });
    const took = performance.now() - started;
    piece = took < 700 ? Math.min(LARGEST, piece * 2) : took > 3000 ? Math.max(SMALLEST, piece / 2) : piece;
    failures = 0;
    return answer;
  }

  for (;;) {
    try {
      const answer = await step();
      offset = Number(answer.headers.get("Upload-Offset"));
      progress?.(offset);
      if (offset >= blob.size) {
        return answer.headers.get("Madoguchi-File");
      }
    } catch (error) {
      mismatches += error.status === 460;
      const unreadable = error.name === "NotReadableError" || error.name === "NotFoundError";
      const hopeless = unreadable || error instanceof Refused || error instanceof SignInAgain;
      if (hopeless || signal?.aborted || mismatches >= MISMATCHES) {
        throw error;
      }
      if (error instanceof Lost) {
        url = null;
        lost?.();
      }
      offset = null;
      piece = Math.max(SMALLEST, piece / 2);
      waiting?.(error.status >= 500);
      await pause(PAUSES[Math.min(failures++, PAUSES.length - 1)], signal);
    }
  }
}

/** Take back what was sent so far. Gone already is as good. */
export async function terminate(url, headers) {
  try {
    await request("DELETE", url, headers);
  } catch (error) {
    if (!(error instanceof Lost)) {
      throw error;
    }
  }
}

/** The SHA-256 of a blob in hex, or "" where the browser computes none (a page without https). */
export async function sha256(blob) {
  return hex((await digest(await blob.arrayBuffer())) ?? []);
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function digest(bytes) {
  const sum = await crypto.subtle?.digest("SHA-256", bytes);
  return sum && new Uint8Array(sum);
}

async function request(method, url, headers, signal, body, more) {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, PATIENCE);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) {
    stop();
  }
  try {
    const answer = await fetch(url, {
      method,
      body,
      headers: { ...headers, "Tus-Resumable": "1.0.0", ...more },
      redirect: "error",
      signal: limit.signal,
    });
    if (!answer.ok) {
      throw await problem(answer, method);
    }
    if (method !== "DELETE" && !answer.headers.has(method === "POST" ? "Location" : "Upload-Offset")) {
      throw new Error("somebody else has answered: a network that wants a sign-in of its own");
    }
    return answer;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** What an answer that is no success asks of us. */
async function problem(answer, method) {
  const { status } = answer;
  const said = await answer.json().catch(() => ({}));
  if (status === 401 || status === 403) {
    return new SignInAgain();
  }
  const passing = status >= 500 || [408, 409, 423, 425, 429, 460].includes(status);
  if (said.sentence || (method === "POST" && !passing)) {
    return new Refused(status, said);
  }
  return status === 404 || status === 410 ? new Lost() : Object.assign(new Error(`${status}`), { status });
}

function bytes(blob, start, length) {
  return blob.slice(start, start + length).arrayBuffer();
}

async function checksum(body) {
  const sum = await digest(body);
  return sum ? { "Upload-Checksum": `sha256 ${base64(sum)}` } : {};
}

function utf8(text) {
  return new TextEncoder().encode(text);
}

function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

/** Wait, or less if the phone says that it is online again. */
function pause(milliseconds, signal) {
  return new Promise((done, failed) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal?.removeEventListener("abort", end);
      signal?.aborted ? failed(new DOMException("stopped", "AbortError")) : done();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
    signal?.addEventListener("abort", end);
  });
}

// The real tus-js-client: node tus-client.mjs '{"endpoint", "uploadUrl", "file", "headers", "metadata", "chunkSize",
// "abortAt", "terminate", "retryDelays"}'. Says one JSON object a line: {"url"}, {"sent"}, {"done"}, {"failed"}.
import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const asked = JSON.parse(process.argv[2]);
const say = (facts) => console.log(JSON.stringify(facts));

const upload = new Upload(createReadStream(asked.file), {
  endpoint: asked.endpoint ?? null,
  uploadUrl: asked.uploadUrl ?? null,
  uploadSize: statSync(asked.file).size,
  headers: asked.headers,
  metadata: { filename: basename(asked.file), ...asked.metadata },
  chunkSize: asked.chunkSize ?? Infinity,
  uploadDataDuringCreation: asked.withCreation ?? false,
  retryDelays: asked.retryDelays ?? null,
  onUploadUrlAvailable: () => say({ url: upload.url }),
  onChunkComplete: async (size, sent) => {
    say({ sent });
    if (asked.abortAt && sent >= asked.abortAt) {
      asked.abortAt = 0;
      await upload.abort(asked.terminate ?? false);
      say({ aborted: true });
      process.exit(0);
    }
  },
  onSuccess: () => say({ done: true, url: upload.url }),
  onError: (error) => {
    say({ failed: error.originalResponse?.getStatus() ?? 0, body: error.originalResponse?.getBody() ?? error.message });
    process.exit(1);
  },
});
upload.start();

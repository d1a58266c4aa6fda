// The reference server alone: node tus-server.mjs FOLDER [PORT]. Says "listening PORT" when it is ready.
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [folder, port = "0"] = process.argv.slice(2);
const server = new Server({
  path: "/files",
  datastore: new FileStore({ directory: folder }),
  allowedHeaders: ["Upload-Checksum"],
});
const listening = server.listen({ host: "127.0.0.1", port: Number(port) }, () => {
  console.log(`listening ${listening.address().port}`);
});

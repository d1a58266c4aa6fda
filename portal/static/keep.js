// What a person has chosen stays on the phone until the server has it: the camera may kill the browser, the train may
// enter a tunnel. It belongs to one person; nobody else who uses the phone finds it. Without IndexedDB (some private
// windows) nothing is kept, and everything else goes on.

const NAME = "madoguchi";
const STORE = "chosen";

/** Whose page this is: a word of the server for one person, "" before signing in. `hours`: how long to keep. */
export const owner = document.querySelector('meta[name="owner"]')?.content ?? "";
const hours = Number(document.querySelector('meta[name="owner"]')?.dataset.hours ?? 0);

let opened = null;

function open() {
  opened ??= new Promise((done) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close(); // somebody leaves in another window
      done(request.result);
    };
    request.onerror = request.onblocked = () => done(null);
  }).catch(() => null);
  return opened;
}

async function act(mode, work) {
  try {
    const database = await open();
    return await new Promise((done, failed) => {
      const deal = database.transaction(STORE, mode);
      const request = work(deal.objectStore(STORE));
      deal.oncomplete = () => done(request.result);
      deal.onerror = deal.onabort = () => failed(deal.error);
    });
  } catch {
    return undefined; // no room, no IndexedDB, or closed: the page itself still holds the file
  }
}

/** Keep an entry `{id, submission, …}`, or what has become of it. */
export function put(entry) {
  return act("readwrite", (store) => store.put({ ...entry, owner, until: Date.now() + hours * 3_600_000 }));
}

export function drop(id) {
  return act("readwrite", (store) => store.delete(id));
}

export function has(id) {
  return act("readonly", (store) => store.getKey(id));
}

/** What this person has chosen for a submission and the server has not got yet, oldest first. */
export async function chosen(submission) {
  const all = (await act("readonly", (store) => store.getAll())) ?? [];
  const hers = all.filter((one) => one.owner === owner && one.submission === submission && one.until > Date.now());
  return hers.sort((one, other) => one.since - other.since);
}

/** Throw away what is another person's or too old. Before signing in only what is too old: hers may come back. */
export async function tidy() {
  for (const one of (await act("readonly", (store) => store.getAll())) ?? []) {
    if (one.until < Date.now() || (owner && one.owner !== owner)) {
      await drop(one.id);
    }
  }
}

/** Leave nothing behind. */
export function wipe() {
  try {
    sessionStorage.clear();
    indexedDB.deleteDatabase(NAME);
  } catch {
    // No storage at all: nothing is there to be left.
  }
}

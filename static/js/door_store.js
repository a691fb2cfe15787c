// What a rep's device keeps, in IndexedDB: "kept" (the list as the portal gave it), "codes" (how codes look, by link),
// "outbox" (what was done, in its order, until it is sent; `tries` that were refused, `aside`: why it was set aside) and "problems" (what came back and has to be read).
const doorStore = (() => {
  const NAME = "door";
  const STORES = ["kept", "codes", "outbox", "problems"];
  let opened = null;

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => {
        for (const name of STORES) request.result.createObjectStore(name, { autoIncrement: true });
      };
      request.onsuccess = () => {
        // Somebody wipes: let go, or it would wait for this page. What this page still reads is not kept any more.
        request.result.onversionchange = () => {
          request.result.close();
          opened = Promise.reject(new Error("wiped"));
          opened.catch(() => {});
        };
        resolve(request.result);
      };
      request.onerror = () => { opened = null; reject(request.error); };
    });
    return opened;
  }

  async function run(store, mode, act) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(store, mode);
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  async function entries(store) {
    const [keys, values] = await Promise.all([
      run(store, "readonly", (rows) => rows.getAllKeys()),
      run(store, "readonly", (rows) => rows.getAll()),
    ]);
    return keys.map((key, place) => ({ key, value: values[place] })).filter(({ value }) => value !== undefined);
  }

  // Without making a database where there is none.
  async function waiting() {
    try {
      const there = await indexedDB.databases?.();
      if (there && !there.some(({ name }) => name === NAME)) return 0;
      return await run("outbox", "readonly", (rows) => rows.count());
    } catch {
      return 0;
    }
  }

  return {
    entries,
    waiting,
    get: (store, key) => run(store, "readonly", (rows) => rows.get(key)),
    put: (store, value, key) => run(store, "readwrite", (rows) => rows.put(value, key)),
    remove: (store, key) => run(store, "readwrite", (rows) => rows.delete(key)),
    clear: (store) => run(store, "readwrite", (rows) => rows.clear()),
  };
})();

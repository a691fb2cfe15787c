// Leave nothing of a rep's list on this device. The portal asks the browser for the same (Clear-Site-Data); this is for
// browsers that do not know it. On a page with <html data-signed-out> it runs by itself: nobody is signed in there.
async function wipeDevice() {
  const all = [];
  if (window.caches) all.push(caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name)))));
  if (window.indexedDB) {
    all.push(new Promise((resolve) => {
      const request = indexedDB.deleteDatabase("door");
      request.onsuccess = request.onerror = resolve;
    }));
  }
  if (navigator.serviceWorker) {
    const workers = await navigator.serviceWorker.getRegistrations();
    all.push(...workers.map((worker) => worker.unregister()));
  }
  await Promise.allSettled(all);
}

if (document.documentElement.hasAttribute("data-signed-out")) wipeDevice();

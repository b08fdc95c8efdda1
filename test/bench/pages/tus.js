const input = document.querySelector('#file');

function upload(file, options) {
  return new Promise((resolve, reject) => {
    new tus.Upload(file, { endpoint: '/files/', ...options, onSuccess: resolve, onError: reject }).start();
  });
}

/** Sends every chosen file, one after another; milliseconds for all of them. */
async function run(options) {
  localStorage.clear(); // the client remembers each upload there
  const start = performance.now();
  for (const file of input.files) {
    await upload(file, options);
  }
  return performance.now() - start;
}

globalThis.bench = {
  upload: () => run({}),
  uploadWithCreation: () => run({ uploadDataDuringCreation: true }),
};

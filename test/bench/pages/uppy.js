const { Uppy: Core, Tus, XHRUpload } = globalThis.Uppy;
const input = document.querySelector('#file');

/** Adds all chosen files at once, as a drop does, and sends them; milliseconds until all have arrived. */
async function send(plugin, options) {
  localStorage.clear(); // the tus plugin remembers each upload there
  const uppy = new Core().use(plugin, options);
  const start = performance.now();
  uppy.addFiles([...input.files].map((data) => ({ name: data.name, type: data.type, data })));
  const { successful, failed } = await uppy.upload();
  const took = performance.now() - start;
  uppy.destroy();
  if (failed.length > 0 || successful.length !== input.files.length) throw new Error(`${failed.length} of ${input.files.length} files failed: ${failed[0]?.error}`);
  return took;
}

globalThis.bench = {
  tus: () => send(Tus, { endpoint: '/files/' }),
  xhr: () => send(XHRUpload, { endpoint: '/xhr' }),
};

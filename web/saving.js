/** @typedef {import('./attache.js').ChatFile} ChatFile */
/** @typedef {import('./attache.js').Session} Session */

const mostInBlob = 64 * 1024 * 1024;

/**
 * Puts a file of the chat among the browser's downloads, at the cost of one
 * attempt.
 *
 * Up to 64 MiB it is fetched and handed over as a Blob: that works the same on
 * any origin, has progress, can be stopped, and a failure on the way becomes a
 * sentence in the tile. A larger one is left to the browser by a plain link,
 * which writes it straight to disk; the answer's `Content-Disposition:
 * attachment` keeps the page where it is, also from another origin, where the
 * link's `download` attribute has no say. Only one of the two is ever asked
 * for, and asking again for the same file goes on with the same attempt.
 *
 * @param {Session} session
 * @param {ChatFile} file
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(part: number) => void} options.onPart called with what has arrived, of 1
 */
export async function save(session, file, { signal, onPart }) {
  if (file.size > mostInBlob) {
    follow(await session.link(file, { signal }), file.name);
    return;
  }
  const response = await session.download(file, { signal });
  const blob = await counted(response, file.size, onPart).blob();
  // Opaque whatever the sender called it: a Blob's URL has the page's origin,
  // and nothing foreign may ever be rendered there.
  const url = URL.createObjectURL(new Blob([blob], { type: 'application/octet-stream' }));
  follow(url, file.name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {Response} response @param {number} total @param {(part: number) => void} onPart */
function counted(response, total, onPart) {
  if (!response.body || total === 0) return response;
  let arrived = 0;
  return new Response(response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      arrived += chunk.byteLength;
      onPart(Math.min(1, arrived / total));
      controller.enqueue(chunk);
    },
  })));
}

/** @param {string} url @param {string} name */
function follow(url, name) {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.rel = 'noreferrer';
  link.click();
}

// @ts-check
// Starts the worker in which the plugin's code runs. This frame has an opaque origin, and so
// has the worker: it cannot reach the stage, but for the port that the stage gives it.

addEventListener('message', function begin(event) {
  if (event.source !== parent) return;
  removeEventListener('message', begin);
  const { runtime, start } = event.data;
  const worker = new Worker(URL.createObjectURL(new Blob([runtime], { type: 'text/javascript' })));
  worker.postMessage(start, [event.ports[0]]);
});

// workerd starts this file. It passes requests on to src/lib.rs, by way of wasm-bindgen.
import { fetch, initSync } from "./palette_worker.js";
import module from "./palette_worker_bg.wasm";

initSync({ module });

export default { fetch };

// What workerd starts: it hands requests to what wasm-bindgen made of src/lib.rs.
import { fetch, initSync } from "./palette_worker.js";
import module from "./palette_worker_bg.wasm";

initSync({ module });

export default { fetch };

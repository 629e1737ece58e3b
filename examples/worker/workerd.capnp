# The configuration with which `cargo xtask deep worker` runs the Worker. wrangler would
# write one too.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    # The sandbox is on loopback, which a Worker may not use by default.
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  modules = import "modules.capnp".modules, # worker.js, and what wasm-bindgen made
  bindings = [
    (name = "FIGMA_TOKEN", fromEnvironment = "FIGMA_TOKEN"),
    (name = "FIGMA_BASE_URL", fromEnvironment = "FIGMA_BASE_URL"),
    # The part of Figma's 300 calls a minute that one isolate gets; 0 for no limit.
    (name = "CALLS_A_MINUTE", fromEnvironment = "CALLS_A_MINUTE"),
    (name = "PLUGIN_ID", fromEnvironment = "PLUGIN_ID"),
  ],
);

// The messages between the plugin's page (ui.ts) and its code (code.ts). The page can reach
// the backend but not Figma; the code can reach Figma.

/** A request of the page. It waits for the answer before it sends the next one. */
type ToCode =
  | { type: "token" }
  | { type: "checkout" }
  | { type: "draw"; colors: string[] };

/** The answer of the code. Every request has one. */
type ToUi =
  /** A payment token, or null if Figma made none. */
  | { type: "token"; token: string | null }
  /** Whether the user has bought the plugin in the checkout. */
  | { type: "checkout"; paid: boolean }
  | { type: "draw"; done: boolean };

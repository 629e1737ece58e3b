// What the plugin's page (ui.ts) and its code (code.ts) say to each other. The
// page can reach the backend and not Figma; the code can reach Figma.

/** What the page asks for; one at a time. */
type ToCode =
  | { type: "token" }
  | { type: "checkout" }
  | { type: "draw"; colors: string[] };

/** What the code answers, always. */
type ToUi =
  /** A payment token; none if Figma made none. */
  | { type: "token"; token: string | null }
  /** The user has bought the plugin, or closed the window. */
  | { type: "checkout"; paid: boolean }
  | { type: "draw"; done: boolean };

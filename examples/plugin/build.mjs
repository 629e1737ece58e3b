// Makes dist/ui.html: the page with its script inside.

import { readFileSync, writeFileSync } from "node:fs";

const file = (name) => new URL(name, import.meta.url);
const page = readFileSync(file("ui.html"), "utf8");
const script = readFileSync(file("dist/ui.js"), "utf8");
const place = '<script src="ui.js"></script>';
if (!page.includes(place) || script.includes("</script")) {
  throw new Error("the script cannot be put into ui.html");
}
// A function, because a plain text may not hold `$`.
writeFileSync(file("dist/ui.html"), page.replace(place, () => `<script>\n${script}</script>`));

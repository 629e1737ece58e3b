// The plugin's page: it calls the backend, and shows the result. "Has not paid" leads to a
// checkout; "could not find out" never does.

/** Before publishing, set your backend's address here and in the manifest (allowedDomains). */
const BACKEND = "http://localhost:3000";

const button = document.getElementById("draw") as HTMLButtonElement;
const said = document.getElementById("said") as HTMLElement;

/**
 * Kept until the backend refuses it. The backend remembers answers by token; with a new
 * token for each request it would have to ask Figma each time.
 */
let token: string | null = null;

button.onclick = async (): Promise<void> => {
  button.disabled = true;
  said.textContent = "One moment …";
  const { text, wait } = await drawPalette().catch((error) => {
    // No token, no network, or an answer that cannot be read.
    console.error(error);
    return cannotTell(0);
  });
  said.textContent = text;
  setTimeout(() => (button.disabled = false), wait * 1000);
};

/** The text for the user, and for how many seconds they cannot try again. */
type Outcome = { text: string; wait: number };

async function drawPalette(): Promise<Outcome> {
  let answer = await ask();
  if (answer.status === 402) {
    const { paid } = await tell({ type: "checkout" });
    if (!paid) {
      return { text: "Palettes are part of the paid version.", wait: 0 };
    }
    // The backend still remembers "has not paid" for the old token.
    token = null;
    answer = await ask();
    if (answer.status === 402) {
      // The plugin's owner sees this too: the Payments API always says UNPAID about the owner.
      return { text: "Your purchase is not known yet. Please try again soon.", wait: 5 };
    }
  }
  if (!answer.ok) {
    return cannotTell(Number(answer.headers.get("Retry-After")));
  }
  const { colors, trial } = (await answer.json()) as { colors: string[]; trial: boolean };
  const { done } = await tell({ type: "draw", colors });
  if (!done) {
    return { text: "This file cannot be drawn in.", wait: 0 };
  }
  return { text: trial ? "Drawn. You are trying this out." : "Drawn.", wait: 0 };
}

/**
 * Asks with the present token, and after a 401 once more with a new one. A second 401 means
 * that something is wrong with the backend.
 */
async function ask(): Promise<Response> {
  const answer = await fetchPalette(token ?? (await newToken()));
  return answer.status === 401 ? fetchPalette(await newToken()) : answer;
}

/** The token is in a header and not in the URL, because proxies log URLs. */
function fetchPalette(token: string): Promise<Response> {
  return fetch(`${BACKEND}/palette`, { headers: { Authorization: `Bearer ${token}` } });
}

async function newToken(): Promise<string> {
  token = (await tell({ type: "token" })).token;
  if (token === null) {
    throw new Error("Figma made no payment token");
  }
  return token;
}

/** It is not known whether the user has paid. */
function cannotTell(wait: number): Outcome {
  const when = wait > 0 ? `in ${wait} s` : "later";
  return { text: `Cannot check right now what you bought. Please try again ${when}.`, wait };
}

/** Tells the plugin's code what to do, and waits for its answer. */
function tell<Type extends ToCode["type"]>(
  request: Extract<ToCode, { type: Type }>,
): Promise<Extract<ToUi, { type: Type }>> {
  return new Promise((resolve) => {
    const listen = (event: MessageEvent): void => {
      const answer = event.data?.pluginMessage as Extract<ToUi, { type: Type }> | undefined;
      if (answer?.type === request.type) {
        removeEventListener("message", listen);
        resolve(answer);
      }
    };
    addEventListener("message", listen);
    parent.postMessage({ pluginMessage: request }, "*");
  });
}

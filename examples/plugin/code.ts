// The plugin's code: it asks Figma for payment tokens and for a checkout, and draws. Only
// the backend decides whether a user has paid: users can change the code that runs here.

figma.showUI(__html__, { width: 280, height: 120 });

figma.ui.onmessage = async (request: ToCode): Promise<void> => {
  figma.ui.postMessage(await answer(request));
};

async function answer(request: ToCode): Promise<ToUi> {
  switch (request.type) {
    case "token":
      return { type: "token", token: await paymentToken() };
    case "checkout":
      return { type: "checkout", paid: await checkout() };
    case "draw":
      return { type: "draw", done: draw(request.colors) };
  }
}

/** The token says which user runs which plugin, and not whether they have paid. */
async function paymentToken(): Promise<string | null> {
  try {
    // figma.payments exists only with the permission "payments" in the manifest.
    return (await figma.payments?.getPluginPaymentTokenAsync()) ?? null;
  } catch {
    return null;
  }
}

async function checkout(): Promise<boolean> {
  try {
    await figma.payments?.initiateCheckoutAsync({ interstitial: "PAID_FEATURE" });
  } catch {
    return false;
  }
  return figma.payments?.status.type === "PAID";
}

/** Fails for users who may only view the file. */
function draw(colors: string[]): boolean {
  try {
    const { x, y } = figma.viewport.center;
    const swatches = colors.map((color, index) => {
      const swatch = figma.createRectangle();
      swatch.name = color;
      swatch.x = x + index * 120;
      swatch.y = y;
      swatch.fills = [figma.util.solidPaint(color)];
      return swatch;
    });
    figma.currentPage.selection = swatches;
    figma.viewport.scrollAndZoomIntoView(swatches);
    return true;
  } catch {
    return false;
  }
}

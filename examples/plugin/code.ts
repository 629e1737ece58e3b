// The plugin's code: it asks Figma for payment tokens and for a checkout, and
// draws. Whether somebody has paid is the backend's to say; what runs here can be
// changed by whoever runs it.

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

/** It says who runs which plugin, and nothing of whether they have paid. */
async function paymentToken(): Promise<string | null> {
  try {
    // Only there with the permission "payments" in the manifest.
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

/** Who may only view the file cannot draw in it. */
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

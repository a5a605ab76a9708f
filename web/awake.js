// The screen stays on while somebody drives, where the browser can do that.

let lock = null;
let wanted = false;

export async function keepAwake(on) {
  if (on === wanted) return;
  wanted = on;
  try {
    if (!on) return await release();
    lock = await navigator.wakeLock?.request("screen");
    if (!wanted) await release();
  } catch {
    // The battery is low, or the page is hidden: then the screen goes dark as it always does.
  }
}

async function release() {
  const held = lock;
  lock = null;
  await held?.release();
}

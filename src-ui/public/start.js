// Loads the screens. What a browser cannot read or run here, boot.js turns into the plain page.
import("./ui.js")
  .then((ui) => ui.default({ module_or_path: new URL("./ui_bg.wasm", import.meta.url) }))
  .catch((error) => window.lenteraTooOld(error));

// Loads the screens. What a browser cannot read or run here, boot.js turns into the plain page.
import("./ui.js")
  .then((ui) => ui.default())
  .catch((error) => window.lenteraTooOld(error));

// Starts the app, or opens the plain page that says what to update. Written so that any old browser can read it: the modern part is
// start.js, which an old browser does not even try.
(function () {
  function tooOld(reason) {
    document.getElementById("old-detail").appendChild(document.createTextNode(String(reason)));
    document.getElementById("old").removeAttribute("hidden");
  }
  window.lenteraTooOld = tooOld;

  var script = document.createElement("script");
  if (!("noModule" in script)) {
    tooOld("ES modules");
  } else if (typeof WebAssembly !== "object" || !WebAssembly.instantiate) {
    tooOld("WebAssembly");
  } else if (typeof window.IntersectionObserver !== "function" || typeof window.HTMLDialogElement !== "function") {
    tooOld("HTML");
  } else {
    script.type = "module";
    script.src = "/start.js";
    script.onerror = function () {
      tooOld("start.js");
    };
    document.body.appendChild(script);
  }
})();

"use strict";
(() => {
  // The player is as tall as what it holds, so that the page scrolls as one.
  for (const frame of document.querySelectorAll("iframe")) {
    const fit = () => {
      const inside = frame.contentDocument && frame.contentDocument.querySelector("main");
      if (inside) frame.style.height = Math.ceil(inside.getBoundingClientRect().bottom + frame.contentWindow.scrollY) + 24 + "px";
    };
    frame.addEventListener("load", () => {
      fit();
      new ResizeObserver(fit).observe(frame.contentDocument.body);
    });
    if (frame.contentDocument && frame.contentDocument.readyState === "complete") fit();
  }
  window.addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details")) one.open = true; });
})();

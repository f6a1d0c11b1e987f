"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const steps = all(".step"), svg = document.querySelector("figure svg"), count = document.querySelector(".count");
  const rows = all("tr[data-step]"), later = all("[data-from]", svg), marked = all("[data-at]", svg);
  const button = {};
  for (const one of all("[data-go]")) button[one.dataset.go] = one;
  const said = document.querySelector(".said"), frame = svg.closest(".scroll"), table = document.querySelector(".quantities .scroll");
  const seconds = 2.5;
  let now = 0, timer = 0;

  function show(index, quiet) {
    now = Math.max(0, Math.min(steps.length - 1, index));
    const step = steps[now], number = now + 1;
    const uses = new Set(step.dataset.uses.split(" ")), makes = new Set(step.dataset.makes.split(" "));
    steps.forEach((one, i) => one.classList.toggle("now", i === now));
    svg.classList.toggle("back", !["forward", "loss"].includes(step.dataset.phase));
    for (const one of later) one.classList.toggle("later", Number(one.dataset.from) > number);
    for (const one of marked) {
      const at = one.dataset.at.split(" "), made = at.some((mark) => makes.has(mark) || makes.has("g." + mark));
      one.classList.toggle("makes", made);
      one.classList.toggle("uses", !made && at.some((mark) => uses.has(mark) || uses.has("g." + mark)));
    }
    for (const row of rows) {
      const own = Number(row.dataset.step);
      row.classList.toggle("now", own === number);
      row.classList.toggle("later", own > number);
      if (own === number) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
    }
    count.textContent = `${number} / ${steps.length}`;
    button.first.disabled = button.previous.disabled = now === 0;
    button.next.disabled = button.last.disabled = now === steps.length - 1;
    if (!quiet) said.textContent = step.dataset.said;
    if (window === window.parent) history.replaceState(null, "", "#" + number);
    intoView(frame, svg.querySelector(".makes") || svg.querySelector(".uses"));
    intoView(table, table.querySelector("tr.now"));
  }

  // Scrolls the box alone, never the page: the reader's place stays.
  function intoView(box, mark) {
    if (!mark) return;
    const at = mark.getBoundingClientRect(), room = box.getBoundingClientRect();
    if (box.scrollWidth > box.clientWidth && box === frame) box.scrollLeft += at.left + at.width / 2 - room.left - room.width / 2;
    if (box.scrollHeight > box.clientHeight) box.scrollTop += at.top + at.height / 2 - room.top - room.height / 2;
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    button.play.setAttribute("aria-pressed", "false");
    button.play.setAttribute("aria-label", "Play");
    button.play.classList.remove("playing");
  }

  function play() {
    if (timer) return stop();
    if (now === steps.length - 1) show(0);
    button.play.setAttribute("aria-pressed", "true");
    button.play.setAttribute("aria-label", "Pause");
    button.play.classList.add("playing");
    timer = setInterval(() => (now < steps.length - 1 ? show(now + 1) : stop()), seconds * 1000);
  }

  const moves = {
    first: () => show(0), previous: () => show(now - 1), next: () => show(now + 1), last: () => show(steps.length - 1),
  };
  function go(where) {
    if (where === "play") return play();
    stop();
    moves[where]();
  }
  for (const [where, one] of Object.entries(button)) one.addEventListener("click", () => go(where));

  const keys = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last", " ": "play" };
  document.addEventListener("keydown", (event) => {
    const where = keys[event.key], target = event.target;
    if (!where || event.altKey || event.ctrlKey || event.metaKey) return;
    const scrolls = target.closest(".scroll") && target.closest(".scroll").scrollWidth > target.closest(".scroll").clientWidth;
    if ((event.key === " " && target.closest("button, a, summary")) || (scrolls && event.key.startsWith("Arrow"))) return;
    event.preventDefault();
    go(where);
  });

  let start = null;
  const walk = document.querySelector(".walk");
  walk.addEventListener("touchstart", (event) => { start = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
  walk.addEventListener("touchend", (event) => {
    if (!start) return;
    const end = event.changedTouches[0], across = end.clientX - start.clientX, down = end.clientY - start.clientY;
    if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) go(across < 0 ? "next" : "previous");
    start = null;
  }, { passive: true });

  for (const link of all(".all a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      stop();
      show(Number(link.textContent) - 1);
      document.querySelector("figure").scrollIntoView({ block: "nearest" });
    });
  }

  document.documentElement.classList.add("js");
  document.querySelector(".controls").hidden = false;
  const asked = /^#(\d+)$/.exec(location.hash);
  show(asked ? Number(asked[1]) - 1 : 0, true);
})();

// A line under the pointer that tells the time, through all charts at once; and paper gets the
// tables that are folded away. Without a script nothing is missing but these two.
"use strict";
(() => {
  const plots = [...document.querySelectorAll(".plot")];
  const zero = Number(document.body.dataset.zero), began = Number(document.body.dataset.began);
  const ended = Number(document.body.dataset.ended);
  const cursors = plots.map((plot) => {
    const line = document.createElement("div");
    line.className = "cursor";
    line.hidden = true;
    line.append(document.createElement("span"));
    plot.append(line);
    return line;
  });
  const hide = () => cursors.forEach((line) => { line.hidden = true; });
  const show = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const seconds = began + share * (ended - began) - zero;
    const text = (seconds < 0 ? "−" : "+") + Math.abs(seconds).toFixed(1) + " s";
    cursors.forEach((line) => {
      line.hidden = false;
      line.style.left = share * 100 + "%";
      line.classList.toggle("left", share > 0.8);
      line.firstChild.textContent = text;
    });
  };
  plots.forEach((plot) => {
    plot.addEventListener("pointermove", show);
    plot.addEventListener("pointerleave", hide);
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    hide();
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));
})();


"use strict";
// The page is whole without this. It says what is under the pointer or the arrow keys, in words,
// and shows where in the time line a step of the story is.
for (const line of document.querySelectorAll("svg.line")) {
  const marks = [...line.querySelectorAll(".m")]
    .sort((a, b) => Number(a.dataset.at) - Number(b.dataset.at));
  const now = line.parentElement.querySelector(".now");
  const scene = line.closest(".scene");
  const steps = (number) => scene.querySelectorAll(`[data-step="${Number(number)}"]`);
  let chosen = [];
  let place = -1;

  const choose = (mark) => {
    chosen.forEach((one) => one.classList.remove("on"));
    chosen = mark && mark.dataset.step ? [...steps(mark.dataset.step)] : mark ? [mark] : [];
    chosen.forEach((one) => one.classList.add("on"));
    now.hidden = !mark;
    now.textContent = mark ? mark.querySelector("title").textContent : "";
    place = mark ? marks.indexOf(mark) : -1;
  };

  line.addEventListener("pointerover", (event) => {
    const mark = event.target.closest(".m");
    if (mark) choose(mark);
  });
  line.addEventListener("click", (event) => choose(event.target.closest(".m")));
  line.addEventListener("keydown", (event) => {
    const last = marks.length - 1;
    const to = {
      ArrowRight: Math.min(place + 1, last),
      ArrowLeft: Math.max(place - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (to !== undefined && last >= 0) {
      event.preventDefault();
      choose(marks[to]);
    } else if (event.key === "Escape") {
      choose(null);
    }
  });
  line.addEventListener("blur", () => choose(null));
  for (const step of scene.querySelectorAll(".steps li")) {
    const mark = line.querySelector(`.mark[data-step="${Number(step.dataset.step)}"]`);
    step.addEventListener("pointerenter", () => choose(mark));
    step.addEventListener("pointerleave", () => choose(null));
  }
}

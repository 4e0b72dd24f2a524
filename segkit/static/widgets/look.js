// What ipywidgets leaves unsaid to those who hear a page: a slider's handle has no name, and of a choice it says the
// index in place of the words beside it. And what it leaves undone: the tab that was opened comes into sight.
const tell = (handle) => {
  const slider = handle.closest(".jupyter-widgets");
  const name = slider?.querySelector(".widget-label")?.textContent, value = slider?.querySelector(".widget-readout")?.textContent;
  if (name && handle.getAttribute("aria-label") !== name) handle.setAttribute("aria-label", name);
  if (value && handle.getAttribute("aria-valuetext") !== value) handle.setAttribute("aria-valuetext", value);
};

const all = () => document.querySelectorAll(".jupyter-widgets [role=slider]").forEach(tell);

// a tab that is opened stands whole in a bar too long for its page
const centre = ({ target }) => target.closest?.(".sk-dash .lm-TabBar") && requestAnimationFrame(() =>
  document.querySelector(".sk-dash .lm-TabBar .lm-mod-current")?.scrollIntoView({ inline: "center", block: "nearest" }));

export default { render() {
  let asked = 0;
  const seen = new MutationObserver(() => { asked ||= requestAnimationFrame(() => { asked = 0; all(); }); });
  seen.observe(document.body, { childList: true, subtree: true, characterData: true });
  all();
  document.addEventListener("click", centre);
  return () => { seen.disconnect(); document.removeEventListener("click", centre); };
} };

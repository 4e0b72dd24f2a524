// What ipywidgets leaves unsaid to those who hear a page: a slider's handle has no name, and of a choice it says the
// index in place of the words beside it.
const tell = (handle) => {
  const slider = handle.closest(".jupyter-widgets");
  const name = slider?.querySelector(".widget-label")?.textContent, value = slider?.querySelector(".widget-readout")?.textContent;
  if (name && handle.getAttribute("aria-label") !== name) handle.setAttribute("aria-label", name);
  if (value && handle.getAttribute("aria-valuetext") !== value) handle.setAttribute("aria-valuetext", value);
};

const all = () => document.querySelectorAll(".jupyter-widgets [role=slider]").forEach(tell);

export default { render() {
  let asked = 0;
  const seen = new MutationObserver(() => { asked ||= requestAnimationFrame(() => { asked = 0; all(); }); });
  seen.observe(document.body, { childList: true, subtree: true, characterData: true });
  all();
  return () => seen.disconnect();
} };

// Draws every figure of the page; the width follows the text, also on paper.
(() => {
  const figures = JSON.parse(document.getElementById("sk-figures").textContent);
  const plots = [...document.querySelectorAll(".sk-plot[data-figure]")];
  const still = { displayModeBar: false, responsive: true };
  const map = {
    displaylogo: false,
    responsive: true,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d"]],
  };
  for (const plot of plots) {
    const { data, layout } = figures[plot.dataset.figure];
    // A picture whose axes have one scale is as tall as its width asks for.
    const { aspect } = layout.meta ?? {};
    if (aspect) layout.height = Math.min(layout.height, Math.max(240, Math.round(plot.clientWidth * aspect) + 60));
    plot.style.minHeight = `${layout.height}px`;
    Plotly.newPlot(plot, data, layout, plot.dataset.panel === "map" ? map : still);
  }
  // What is wider than a narrow page scrolls, by keyboard too.
  const reach = ({ parentNode: box }) => box.scrollWidth > box.clientWidth ? box.setAttribute("tabindex", 0) : box.removeAttribute("tabindex");
  const reached = () => plots.forEach(reach);
  addEventListener("resize", reached); reached();
  // A4 less its margins is 658 pixels wide; narrower columns stay as they are.
  const fit = (plot) => Plotly.relayout(plot, { width: Math.min(plot.parentNode.clientWidth, 658) });
  addEventListener("beforeprint", () => plots.forEach(fit));
  addEventListener("afterprint", () => plots.forEach((plot) => Plotly.relayout(plot, { width: null, autosize: true })));
})();

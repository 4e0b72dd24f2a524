// One plotly figure on a live page. Traits: figure (data and layout), alt (read aloud), selected (what was lassoed).
// plotly.js reaches a page once, whoever asks first: a copy that is there already, else the server's static folder
// (our Voila template marks its address), else the kernel, in gzipped pieces, which works in any notebook page.
const PATIENCE = 120_000;

const fromAddress = (address) => new Promise((done, fail) => {
  const tag = document.createElement("script");
  tag.src = address; tag.onload = () => done(window.Plotly); tag.onerror = () => fail(new Error("plotly.js did not load"));
  document.head.append(tag);
});

const fromKernel = async (model) => {
  const pieces = [];
  for (let count = 1; pieces.length < count;) {
    const [message, buffer] = await answer(model, pieces.length);
    pieces.push(buffer);
    count = message.pieces;
  }
  const plain = new Blob(pieces).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(new Blob([await new Response(plain).text()], { type: "text/javascript" }));
  return fromAddress(address).finally(() => URL.revokeObjectURL(address));
};

const answer = (model, piece) => new Promise((done, fail) => {
  const late = setTimeout(() => { model.off("msg:custom", take); fail(new Error("the kernel did not answer")); }, PATIENCE);
  const take = (message, buffers) => {
    if (message.kind !== "plotly" || message.piece !== piece) return;
    clearTimeout(late); model.off("msg:custom", take); done([message, buffers[0]]);
  };
  model.on("msg:custom", take);
  model.send({ kind: "plotly", piece });
});

const load = (model) => {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  const address = document.querySelector("[data-sk-plotly]")?.dataset.skPlotly;
  window.__segkitPlotly ??= (address ? fromAddress(address).catch(() => fromKernel(model)) : fromKernel(model))
    .catch((fault) => { delete window.__segkitPlotly; throw fault; });
  return window.__segkitPlotly;
};

const describe = (model, el) => { el.setAttribute("role", "img"); el.setAttribute("aria-label", model.get("alt")); };

// a picture whose axes have one scale is as tall as its width asks for
const tall = ({ height, meta }, wide) => meta?.aspect ? Math.min(height, Math.max(240, Math.round(wide * meta.aspect) + 60)) : height;

const draw = (Plotly, plot, figure) => {
  const { data = [], layout = {} } = structuredClone(figure);
  layout.height = tall(layout, plot.clientWidth);
  // on a phone a finger scrolls the page
  if (layout.dragmode && matchMedia("(max-width: 760px)").matches) layout.dragmode = false;
  return Plotly.react(plot, data, { ...layout, autosize: true }, { displayModeBar: false, responsive: false });
};

export default {
  async render({ model, el }) {
    el.classList.add("sk-plot");
    describe(model, el);
    const plot = document.createElement("div");
    plot.style.width = "100%";
    plot.style.minHeight = `${model.get("figure").layout?.height ?? 240}px`;
    el.append(plot);
    let Plotly, gone = false, last = Promise.resolve();
    const redraw = () => { last = last.then(() => gone || draw(Plotly, plot, model.get("figure"))).catch(console.error); return last; };
    const renamed = () => describe(model, el);
    try { Plotly = await load(model); } catch (fault) {
      console.error(fault);
      plot.textContent = "The picture could not be drawn. The table below it has its numbers.";
      return undefined;
    }
    await redraw();
    plot.style.minHeight = "";
    const choose = (event) => {
      model.set("selected", (event?.points ?? []).map((point) => [point.customdata ?? point.pointIndex].flat().at(-1)));
      model.save_changes();
    };
    plot.on?.("plotly_selected", choose);
    plot.on?.("plotly_deselect", () => choose());
    // where marks can be drawn around, one can be clicked; a finger, which scrolls, has only this
    plot.on?.("plotly_click", (event) => { if (model.get("figure").layout?.dragmode) choose(event); });
    model.on("change:figure", redraw); model.on("change:alt", renamed);
    // what is wider than a narrow page scrolls, by keyboard too
    const reach = () => el.scrollWidth > el.clientWidth ? el.setAttribute("tabindex", 0) : el.removeAttribute("tabindex");
    const fit = () => {
      const height = tall(model.get("figure").layout, plot.clientWidth);
      return height === plot.layout.height ? Plotly.Plots.resize(plot) : Plotly.relayout(plot, { height, autosize: true });
    };
    const watch = new ResizeObserver(() => { reach(); if (plot.clientWidth && plot.data) fit(); });
    watch.observe(el);
    return () => { gone = true; watch.disconnect(); model.off("change:figure", redraw); model.off("change:alt", renamed); Plotly.purge(plot); };
  },
};

// Plotly refuses to measure a chart that is hidden or gone by the time that its observer calls, and nobody waits for
// that promise. There is nothing to be done about it and nothing lost: a chart that is shown again is measured again.
window.addEventListener("unhandledrejection", (event) => {
  if (String(event.reason?.message ?? event.reason).startsWith("Resize must be passed a displayed plot div")) {
    event.preventDefault();
  }
});

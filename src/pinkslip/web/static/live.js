// Fetches this page again every two seconds and exchanges the parts that changed.
// The server renders and escapes; nothing here builds markup from data.

const EVERY_MS = 2000;
const TIMEOUT_MS = 5000;

function isBeingRead(part) {
  const selection = getSelection();
  return selection && !selection.isCollapsed && selection.containsNode(part, true);
}

function exchange(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (next && next.innerHTML !== part.innerHTML && !isBeingRead(part) && !part.contains(document.activeElement)) {
      part.replaceChildren(...next.childNodes);
    }
  }
}

async function refresh() {
  const answer = await fetch(location.href, {
    headers: { Accept: "text/html" },
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error(answer.status);
  exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

async function keepFresh() {
  if (!document.hidden) {
    try {
      await refresh();
      document.documentElement.dataset.connection = "live";
    } catch {
      document.documentElement.dataset.connection = "lost";
    }
  }
  setTimeout(keepFresh, EVERY_MS);
}

function openWhatIsLinkedTo() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

addEventListener("hashchange", openWhatIsLinkedTo);
openWhatIsLinkedTo();
document.documentElement.dataset.connection = "live";
setTimeout(keepFresh, EVERY_MS);

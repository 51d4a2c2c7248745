"use strict";

// The page is complete without this script: it only adds buttons that copy text.
for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = source.dataset.copy;
  button.addEventListener("click", async () => {
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      // no clipboard from where the page was opened: select the text for the reader's own copy
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl or ⌘ + C";
    }
    setTimeout(() => { button.textContent = said; }, 2500);
  });
  source.before(button);
}

// what is folded on the screen is open on paper
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.dataset.folded = "";
    details.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-folded]")) {
    delete details.dataset.folded;
    details.open = false;
  }
});

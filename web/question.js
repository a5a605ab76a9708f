// A question before what cannot be taken back. Not modal: the stops stay within reach.

export function setUpQuestion(dialog, opener, no, yes, act) {
  opener.addEventListener("click", () => {
    dialog.show();
    no.focus();
  });
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    act();
  });
  dialog.addEventListener("keydown", ({ key }) => key === "Escape" && dialog.close());
  dialog.addEventListener("close", () => opener.focus());
}

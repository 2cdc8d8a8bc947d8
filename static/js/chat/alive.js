// In words that every browser knows: says so on a page whose own scripts did not start, whatever the reason.
window.addEventListener("load", function () {
  setTimeout(function () {
    var place = document.querySelector("[data-dead]");
    if (place && !document.documentElement.hasAttribute("data-alive")) place.hidden = false;
  }, 500);
});

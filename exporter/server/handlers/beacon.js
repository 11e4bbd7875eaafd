/* Reports how the widgets of a page do. No cookie, no storage; nothing of it throws into the page. */
(function (window, document) {
  "use strict";
  var SAMPLE = 1;
  var MOST = 100, BATCH = 50, DELAY = 15000, TIMEOUT = 10;
  var me = document.currentScript;

  function safe(call) {
    return function () {
      try { return call.apply(this, arguments); } catch (ignored) { return undefined; }
    };
  }

  safe(function () {
    var given = (window.appw = window.appw || []);
    if (given.on) return;
    given.on = 1;
    var own = me.dataset, source = new URL(me.src), target = new URL("w", source);
    target.search = "k=" + encodeURIComponent(source.searchParams.get("k") || own.key || "");
    var share = parseFloat(own.sample);
    /* One coin for the whole page view: what fails is as likely to be reported as what loads. */
    if (Math.random() >= (share > 0 && share <= 1 ? share : SAMPLE)) {
      given.length = 0;
      given.push = function () { return 0; };
      return;
    }
    var attempts = [], queue = [], count = 0, timer = 0, route = own.route || location.pathname;

    var flush = safe(function () {
      clearTimeout(timer);
      timer = 0;
      if (!queue.length) return;
      var body = JSON.stringify(queue), url = String(target), sent = false;
      queue = [];
      if (own.send !== "fetch") {
        try { sent = navigator.sendBeacon(url, body); } catch (ignored) { sent = false; }
      }
      if (!sent) {
        fetch(url, { method: "POST", body: body, keepalive: true, credentials: "omit" }).catch(function () {});
      }
    });

    function add(event) {
      if (++count > MOST) return;
      event.route = route.slice(0, 200);
      queue.push(event);
      if (queue.length >= BATCH) flush();
      else timer = timer || setTimeout(flush, DELAY);
    }

    function report(attempt, outcome, error, seconds) {
      add({
        kind: "widget", widget: attempt.name, outcome: outcome, release: attempt.release,
        duration: seconds >= 0 ? Math.round(seconds * 1000) / 1000 : undefined, error: error
      });
    }

    function settle(attempt, outcome, seconds) {
      if (attempt.done) return;
      attempt.done = 1;
      clearTimeout(attempt.timer);
      report(attempt, outcome, undefined, seconds);
    }

    function fail(attempt, outcome, error, place) {
      /* An attempt that came as far as this was a load. */
      if (outcome === "render_failure") settle(attempt, "loaded");
      var text = ((error && error.name) || "Error") + (place ? " " + place : "");
      if (attempt.seen[outcome + text]) return;
      attempt.seen[outcome + text] = 1;
      report(attempt, outcome, text);
    }

    function begin(name, options, element) {
      var attempt = {
        name: String(name).slice(0, 200), element: element, seen: {}, at: performance.now(),
        release: options.release && String(options.release).slice(0, 200),
        scripts: String(options.scripts || (element && element.src) || "").split(/[?#]/)[0]
      };
      if (attempts.push(attempt) > MOST) attempts.shift();
      attempt.timer = setTimeout(safe(function () {
        if (element && !("manual" in element.dataset) && loading(element)) {
          look(element);
          attempt.done = 1;
        }
        /* Browsers hold back what is hidden: that is no fault of the widget. */
        if (document.visibilityState === "hidden") attempt.done = 1;
        settle(attempt, "timeout");
      }), (parseFloat(options.timeout) || TIMEOUT) * 1000);
      return attempt;
    }

    function latest(fits) {
      for (var at = attempts.length; at--;) if (fits(attempts[at])) return attempts[at];
      return undefined;
    }

    function elapsed(attempt) { return (performance.now() - attempt.at) / 1000; }

    function loading(element) {
      return performance.getEntriesByName(element.src || element.href || "").pop();
    }

    function notice(element) {
      return latest(function (one) { return one.element === element; }) ||
        begin(element.dataset.widget, element.dataset, element);
    }

    function finish(element, good) {
      var attempt = notice(element), entry = loading(element);
      if (!good) settle(attempt, "load_error");
      else if (!("manual" in element.dataset)) settle(attempt, "loaded", entry ? entry.duration / 1000 : elapsed(attempt));
    }

    /* What came before this script: its event is over, and only a status that we may see says how it ended. */
    function look(element) {
      var attempt = notice(element), entry = loading(element);
      if (!entry) return;
      var visible = element.crossOrigin !== null || new URL(entry.name).origin === location.origin;
      if (visible && entry.responseStatus !== undefined) {
        finish(element, entry.responseStatus > 0 && entry.responseStatus < 400);
      } else if (!("manual" in element.dataset)) clearTimeout(attempt.timer);
    }

    /* Browsers note how a load ended some time after it did. */
    var leave = safe(function () {
      attempts.slice().forEach(function (one) { if (one.element && !one.done) look(one.element); });
      flush();
    });

    function scan(root) {
      if (root.dataset && root.dataset.widget) look(root);
      if (root.querySelectorAll) root.querySelectorAll("[data-widget]").forEach(look);
    }

    function blame(url, error, line, column) {
      var attempt = latest(function (one) { return one.scripts && url.indexOf(one.scripts) >= 0; });
      if (!attempt) return;
      var file = line && url.split(/[?#]/)[0].split("/").pop();
      fail(attempt, "script_error", error, file && file + ":" + line + ":" + column);
    }

    var commands = {
      start: function (name, options) { begin(name, options || {}); },
      loaded: function (name) {
        var found = latest(function (one) { return one.name === name; });
        if (found) settle(found, "loaded", elapsed(found));
        else settle(begin(name, {}), "loaded");
      },
      failed: function (name, outcome, error) {
        var found = latest(function (one) { return one.name === name; }) || begin(name, {});
        if (outcome === "load_error" || outcome === "timeout") settle(found, outcome);
        else fail(found, outcome === "script_error" ? outcome : "render_failure", error);
      },
      view: function (path) {
        route = String(path || own.route || location.pathname);
        add({ kind: "traffic", client: navigator.webdriver ? "bot" : "human" });
      }
    };
    var run = safe(function (command) {
      if (command[0] === "view" || command[1]) commands[command[0]].apply(null, command.slice(1));
    });

    window.addEventListener("error", safe(function (event) {
      var element = event.target;
      if (element && element.dataset) { if (element.dataset.widget) finish(element, false); }
      else blame(event.filename || "", event.error, event.lineno, event.colno);
    }), true);
    document.addEventListener("load", safe(function (event) {
      if (event.target.dataset && event.target.dataset.widget) finish(event.target, true);
    }), true);
    window.addEventListener("unhandledrejection", safe(function (event) {
      blame(String((event.reason && event.reason.stack) || ""), event.reason);
    }));
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "hidden") leave();
    });
    window.addEventListener("pagehide", leave);

    scan(document);
    new MutationObserver(safe(function (records) {
      records.forEach(function (record) { record.addedNodes.forEach(scan); });
    })).observe(document, { childList: true, subtree: true });
    if ("views" in own) commands.view();
    given.splice(0).forEach(run);
    given.push = function () { for (var at = 0; at < arguments.length; at++) run(arguments[at]); return 0; };
  })();
})(window, document);

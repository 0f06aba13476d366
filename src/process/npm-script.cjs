/**
 * Loaded before each process that an npm script starts (package.json). It is plain old JavaScript, so that a Node that
 * is too old for this server, and supports neither types nor `using`, can report it.
 */
"use strict";

var OLDEST_MAJOR = 24;
var EXIT_MISCONFIGURED = 78; // EX_CONFIG of sysexits.h
var PARENT_CHECK_MS = 500;

if (Number(process.versions.node.split(".")[0]) < OLDEST_MAJOR) {
  process.stderr.write(
    "This server needs Node " +
      OLDEST_MAJOR +
      " or newer, and this is Node " +
      process.versions.node +
      ". `npm ci` without --omit=dev brings one along.\n",
  );
  process.exit(EXIT_MISCONFIGURED);
}

/*
 * npm forwards the signals that it receives, but it cannot forward a SIGKILL. So this process checks whether npm is
 * still its parent, and ends itself otherwise. A process with a channel to its parent does not check: the end of the
 * channel ends it.
 */
if (process.env.npm_lifecycle_event && !process.channel) {
  var parent = process.ppid;
  var watch = setInterval(function () {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }, PARENT_CHECK_MS);
  watch.unref();
}

/**
 * Runs before each process that an npm script starts (package.json). Written in old JavaScript, so that a Node that is too
 * old for this server, which knows neither types nor `using`, can report the problem.
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
 * npm forwards signals, but a SIGKILL of npm would leave this process running, so it checks whether npm still exists. A
 * process with an IPC channel is a child of another process of this server, and skips the check.
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

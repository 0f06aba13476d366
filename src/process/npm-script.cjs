/**
 * Loaded before each process that an npm script starts (package.json). Plain old JavaScript: a Node that is too old for
 * this server, which knows no types and no `using`, must be able to say so.
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
 * npm passes on the signals that it hears of. Of a SIGKILL it does not, and nobody would end this process, so it looks
 * itself whether npm is still there. What is not npm's child (the fork of a worker has its worker for a parent, and a
 * channel to it) is not concerned.
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

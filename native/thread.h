#pragma once

#include <functional>

#include "failure.h"

// Runs `body` on a new thread that nobody waits for.
Failure StartThread(std::function<void()> body);

// Moves the calling thread into the network namespace of the file descriptor `netns`; -1 leaves it where it is.
// Only for threads of our own, which end there.
Failure EnterNamespace(int netns);

// Runs `body` inside `netns` on a short-lived thread and waits for it; for -1 just runs it.
Failure RunInNamespace(int netns, const std::function<Failure()>& body);

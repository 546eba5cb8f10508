"""The keeper's room: files, jobs and people. It never imports MXNet in its own process."""

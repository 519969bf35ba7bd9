"""Progress events of a campaign, and the log that carries them between processes."""

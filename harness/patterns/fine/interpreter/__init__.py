"""What the tap has recorded, read as what happened to items. Pure: no clock, no network."""

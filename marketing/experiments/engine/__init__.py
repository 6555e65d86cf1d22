"""The statistics that decide: sequential evidence, estimates, promise, sample ratio, decision."""

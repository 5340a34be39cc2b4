"""RCASD-IVTR+C: the pipeline of stages that an epic or a task goes through."""

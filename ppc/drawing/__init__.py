"""Pictures of graphs. Knows `ppc.ir` only; called by the front door."""

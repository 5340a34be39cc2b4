"""The file in which a project kept agents and messages before, split into today's two stores."""

"""The lab: one page in the browser on which runs are chosen, stepped and watched. Needs the extra [lab]."""

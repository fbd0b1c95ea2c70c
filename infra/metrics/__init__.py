"""Reading metrics back: figures -> series -> what the terminal and the page show. Pure but for the ports."""

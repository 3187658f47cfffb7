"""Work in processes of their own, which outlive the server: started, stopped, waited for, one after the other."""

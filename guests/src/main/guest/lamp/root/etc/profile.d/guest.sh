# The shell on the console starts without a login, so nobody has set these.
export HOME=/root PS1='\u@\h:\w\$ '
cd

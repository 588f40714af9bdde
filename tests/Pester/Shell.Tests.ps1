# Shells come and go; machines stay. Real machines, each command in a shell of its own, as a user has it.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $noQemu = -not (Test-Qemu)
    $noTerminal = $noQemu -or -not (Get-Command script -ErrorAction Ignore)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    if (-not (Test-Qemu)) { return }
    $fabric = (Enter-TestHome -Qemu).Path
    $image = (New-TestImage (Join-Path $TestHome web01.raw)).FullName

    function Get-Watcher { Get-TestProcess $fabric | Where-Object CommandLine -Match 'Watch-IaaSFabric' }
    function Get-Holder { (cat "$fabric/locks/watcher.lock")?.Trim() }
    function Get-Qemu { Get-TestProcess $fabric | Where-Object CommandLine -Match '^\S*qemu' }
}

AfterAll { if (Test-Qemu) { Exit-TestHome } }

Describe 'A machine' -Skip:$noQemu {
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'outlives its shell, and is found by the next' {
        $first = Invoke-Shell "Import-IaaSVm '$image' -Name web01 -Memory 32MB | Start-IaaSVm -Wait | ForEach-Object { `$_.ProcessId }"
        $first | Should -Be (Get-Qemu).Id
        Invoke-Shell "`$vm = Get-IaaSVm web01; `$vm.State; `$vm.ProcessId; `$vm.BootVerified" | Should -Be 'Running', $first, 'True'
        Invoke-Shell "(Stop-IaaSVm web01).State; (Start-IaaSVm web01 -Wait -Pattern ready).State" | Should -Be 'Deallocated', 'Running'
        Get-IaaSVm web01 | Get-BootCount | Should -Be 2
    }

    It 'outlives its shell''s violent end' {
        Import-IaaSVm $image -Memory 32MB | Out-Null
        $shell = Start-Shell 'Start-IaaSVm web01 -Wait -Pattern never' (Join-Path $TestHome killed.txt)
        Wait-Until { (Get-IaaSVm web01).State -eq 'Running' }
        kill -9 $shell.Id
        $shell.WaitForExit(60000) | Should -BeTrue
        (Get-IaaSVm web01).State | Should -Be Running
        (Wait-IaaSVm web01 -For Console -Pattern ready | Get-BootCount) | Should -Be 1
        (Stop-IaaSVm web01).State | Should -Be Deallocated
    }

    It 'is not reached by a Ctrl+C that its shell gets' -Skip:$noTerminal {
        Import-IaaSVm $image -Memory 32MB | Out-Null
        # In a terminal, where the key reaches every process of the foreground; it is pressed when the file 'press' is there.
        # Without progress: nobody answers here when a shell asks its terminal where the cursor is.
        "`$ProgressPreference = 'SilentlyContinue'; Import-Module '$ModulePath'; Start-IaaSVm web01 -Wait | Out-Null; 'up'; Wait-IaaSVm web01 -For Console -Pattern never" | Set-Content "$TestHome/typed.ps1"
        @"
cd '$TestHome'
{ while [ ! -e press ]; do sleep 0.1; done; printf '\003'; while [ ! -e end ]; do sleep 0.1; done; } | script -qec "'$PowerShellPath' -NoProfile -File typed.ps1" seen.txt
"@ | Set-Content "$TestHome/terminal.sh"
        $terminal = Start-Process sh "$TestHome/terminal.sh" -PassThru -RedirectStandardOutput "$TestHome/terminal.txt"
        Wait-Until { (Test-Path "$TestHome/terminal.txt") -and (Get-Content "$TestHome/terminal.txt" -Raw) -match 'up' }
        New-Item "$TestHome/press" | Out-Null
        try { Wait-Until { -not (Get-TestProcess 'typed.ps1') } 'the shell to end' }
        finally { New-Item "$TestHome/end" | Out-Null }
        $terminal.WaitForExit(60000) | Should -BeTrue
        (Get-IaaSVm web01).State | Should -Be Running
        Get-IaaSVm web01 | Get-BootCount | Should -Be 1
    }

    It 'does not keep whoever reads its shell''s output waiting' {
        Import-IaaSVm $image -Memory 32MB | Out-Null
        # A process that inherited the pipe would hold it open, and this would hang.
        "'$PowerShellPath' -NoProfile -Command `"Import-Module '$ModulePath'; (Start-IaaSVm web01).State`" | cat" | Set-Content "$TestHome/piped.sh"
        $answer = sh "$TestHome/piped.sh"
        $answer | Should -Be 'Running'
    }
}

Describe 'The watcher' -Skip:$noQemu {
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    It 'is started with a machine, once, and notes what happens when nobody looks' {
        Import-IaaSVm $image -Memory 32MB | Out-Null
        Import-IaaSVm $image -Name web02 -Memory 32MB | Start-IaaSVm | Out-Null
        $vm = Start-IaaSVm web01 -Wait
        Wait-Until { @(Get-Watcher).Count -eq 1 -and (Get-Holder) -eq (Get-Watcher).Id }
        kill -9 $vm.ProcessId
        # Asked of the database's file alone: Get-IaaSVm would find out by itself.
        $log = Join-Path $fabric fabric.db-wal
        Wait-Until { [Text.Encoding]::UTF8.GetString([IO.File]::ReadAllBytes($log)) -match "process $($vm.ProcessId) ended unexpectedly" }
        @(Get-Watcher).Count | Should -Be 1
    }

    It 'collects a guest that powers itself off' {
        $short = New-TestImage (Join-Path $TestHome short.raw) @{ PowersOffAfterTicks = 1 }
        $short | Import-IaaSVm -Memory 32MB | Start-IaaSVm | Out-Null
        Wait-Until { -not (Get-Qemu) }
        (Get-IaaSVm short).State | Should -Be Stopped
    }

    It 'in the foreground leaves a fabric that is watched alone' {
        Import-IaaSVm $image -Memory 32MB | Start-IaaSVm | Out-Null
        Wait-Until { (Get-Watcher) -and (Get-Holder) -eq (Get-Watcher).Id }
        "$(Watch-IaaSFabric -Verbose 4>&1)" | Should -Match 'watches this fabric already'
    }
}

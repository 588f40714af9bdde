# -WhatIf and -Confirm: what is only asked about leaves every byte of the fabric as it was.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    Import-Module $ModulePath
    # A command of every cmdlet that changes something; the first test sees to it that none is forgotten.
    $changes = @(
        @{ Name = 'Import-IaaSVm'; Script = 'Import-IaaSVm $image -Name new'; Says = 'would become new: 1 CPU, 1 GB, Bios, disk0 1 MB on Ide' }
        @{ Name = 'Import-IaaSVm'; Script = 'Import-IaaSVm $image -Name new -Stage'; Says = 'would become new: 1 CPU' }
        @{ Name = 'Complete-IaaSVmImport'; Script = 'Complete-IaaSVmImport staged'; Says = '"Copy what has changed, and make the machine" on target "staged"' }
        @{ Name = 'Convert-IaaSImage'; Script = 'Convert-IaaSImage $image VhdxDynamic'; Says = '"Convert to dynamic VHDX" on target "' }
        @{ Name = 'Export-IaaSVm'; Script = 'Export-IaaSVm stopped'; Says = '"Export as Ova to ' }
        @{ Name = 'Export-IaaSReport'; Script = 'Measure-IaaSAvailability -VmCount 2 -HostCount 2 -FaultDomain 2 -Years 1 | Export-IaaSReport report.html'; Says = '"Write the report"' }
        @{ Name = 'Start-IaaSVm'; Script = 'Get-IaaSVm | Start-IaaSVm'; Says = '"Start" on target "stopped on host' }
        @{ Name = 'Stop-IaaSVm'; Script = 'Stop-IaaSVm *'; Says = '"Stop" on target "running"' }
        @{ Name = 'Stop-IaaSVm'; Script = 'Stop-IaaSVm running -Force'; Says = '"Pull the plug" on target "running"' }
        @{ Name = 'Restart-IaaSVm'; Script = 'Restart-IaaSVm running'; Says = '"Restart" on target "running"' }
        @{ Name = 'Resume-IaaSVm'; Script = 'Resume-IaaSVm *'; Says = '"Resume" on target "running"' }
        @{ Name = 'Remove-IaaSVm'; Script = 'Remove-IaaSVm * -Force'; Says = '"Remove with its disks" on target "running"' }
        @{ Name = 'Remove-IaaSVm'; Script = 'Remove-IaaSVm stopped -KeepDisks'; Says = '"Remove, and keep its disks" on target "stopped"' }
        @{ Name = 'Set-IaaSVm'; Script = 'Set-IaaSVm * -StartOrder 5 -Tag @{ a = 1 }'; Says = '"Change" on target "running"' }
        @{ Name = 'Move-IaaSVm'; Script = 'Get-IaaSVm running | Move-IaaSVm'; Says = '"Move to another host" on target "running"' }
        @{ Name = 'Move-IaaSVm'; Script = 'Move-IaaSVm running host3'; Says = '"Move to host3" on target "running"' }
        @{ Name = 'Suspend-IaaSVm'; Script = 'Suspend-IaaSVm running'; Says = '"Suspend" on target "running"' }
        @{ Name = 'Add-IaaSVmDisk'; Script = 'Add-IaaSVmDisk * 20GB'; Says = '"Add a disk of 20 GB" on target "running"' }
        @{ Name = 'Remove-IaaSVmDisk'; Script = 'Get-IaaSVmDisk large | Remove-IaaSVmDisk'; Says = '"Take disk1 away and delete it" on target "large"' }
        @{ Name = 'Remove-IaaSVmDisk'; Script = 'Remove-IaaSVmDisk large disk1 -KeepFile'; Says = '"Take disk1 away" on target "large"' }
        @{ Name = 'Checkpoint-IaaSVm'; Script = 'Checkpoint-IaaSVm * now'; Says = "Keep its state as 'now'" }
        @{ Name = 'Restore-IaaSVmCheckpoint'; Script = 'Get-IaaSVmCheckpoint ended | Restore-IaaSVmCheckpoint'; Says = "Go back to 'kept' of " }
        @{ Name = 'Remove-IaaSVmCheckpoint'; Script = 'Remove-IaaSVmCheckpoint * k*'; Says = "`"Forget 'kept'`" on target `"ended`"" }
        @{ Name = 'Invoke-IaaSFailover'; Script = 'Invoke-IaaSFailover running -Kind Test'; Says = '"Test failover" on target "running (start order 0) from host1 to host' }
        @{ Name = 'Invoke-IaaSFailover'; Script = 'Invoke-IaaSFailover running -Kind Unplanned -Check { throw 1 }'; Says = '"Unplanned failover" on target "running (start order 0) from host1 to host2: the emptiest' }
        @{ Name = 'Invoke-IaaSVmCommand'; Script = "Invoke-IaaSVmCommand running 'rm -rf /'"; Says = '"Run /bin/sh -c rm -rf /" on target "running"' }
        @{ Name = 'New-IaaSNetwork'; Script = 'New-IaaSNetwork lan 10.9.0.0/24'; Says = '"Make a network" on target "lan (10.9.0.0/24)"' }
        @{ Name = 'Set-IaaSNetwork'; Script = 'Set-IaaSNetwork corp -Peer lab'; Says = '"Peer with lab" on target "corp"' }
        @{ Name = 'Remove-IaaSNetwork'; Script = 'Get-IaaSNetwork l* | Remove-IaaSNetwork'; Says = '"Remove" on target "lab"' }
        @{ Name = 'Join-IaaSNetwork'; Script = 'Get-IaaSVm running | Join-IaaSNetwork lab'; Says = '"Join network lab" on target "running"' }
        @{ Name = 'Exit-IaaSNetwork'; Script = 'Exit-IaaSNetwork ended'; Says = '"Exit all networks" on target "ended"' }
        @{ Name = 'New-IaaSHost'; Script = 'New-IaaSHost host9'; Says = '"Add as a host" on target "host9"' }
        @{ Name = 'Remove-IaaSHost'; Script = 'Remove-IaaSHost host3'; Says = '"Remove" on target "host3"' }
        @{ Name = 'Suspend-IaaSHost'; Script = 'Get-IaaSHost | Suspend-IaaSHost'; Says = '"Empty for maintenance" on target "host1 (update domain 0, 1 machines)"' }
        @{ Name = 'Suspend-IaaSHost'; Script = 'Suspend-IaaSHost * -Rolling -Pause 60'; Says = '"Empty for 60 seconds, then resume" on target "host2 ' }
        @{ Name = 'Resume-IaaSHost'; Script = 'Resume-IaaSHost * -ReturnMachine'; Says = '"Resume" on target "host1"' }
        @{ Name = 'Remove-IaaSOrphan'; Script = 'Remove-IaaSOrphan /subscriptions/1/disk0'; Says = '"Remove" on target "/subscriptions/1/disk0"' }
        @{ Name = 'Stop-IaaSHost'; Script = 'Stop-IaaSHost * -Force'; Says = '"Pull the plug, and kill every machine on it" on target "host1"' }
        @{ Name = 'Resume-IaaSOperation'; Script = 'Resume-IaaSOperation'; Says = '"Resume" on target "Import cut' }
        @{ Name = 'Undo-IaaSOperation'; Script = 'Get-IaaSOperation | Undo-IaaSOperation'; Says = '"Undo" on target "Import cut' }
    )
    $cmdlets = @(Get-Command -Module AzureIaaS | Where-Object { $_.Parameters.ContainsKey('WhatIf') } | ForEach-Object { @{ Name = $_.Name; Covered = $changes.Name } })
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $image = (New-TestImage (Join-Path $TestHome running.raw)).FullName
    Import-IaaSVm $image | Start-IaaSVm | Out-Null
    Import-IaaSVm $image -Name stopped | Out-Null
    Import-IaaSVm $image -Name ended | Start-IaaSVm | Stop-IaaSVm | Checkpoint-IaaSVm -CheckpointName kept | Out-Null
    Import-IaaSVm $image -Name staged -Stage | Out-Null
    Import-IaaSVm $image -Name large | Add-IaaSVmDisk -Size 1GB | Out-Null

    New-IaaSNetwork corp 10.20.0.0/24 | Out-Null
    New-IaaSNetwork lab 10.30.0.0/24 | Out-Null
    Join-IaaSNetwork corp ended | Out-Null

    # An import that was cut off.
    $slow = New-SlowImage (Join-Path $TestHome cut.qcow2)
    $shell = [powershell]::Create()
    $running = $shell.AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$slow'").BeginInvoke()
    Wait-Until { Get-IaaSOperation | Where-Object Step -EQ copy }
    $shell.Stop()
    Wait-Until { $running.IsCompleted }
    $shell.Dispose()

    # What is said with -WhatIf goes to the host: to a shell's output, and nowhere in a runspace without one.
    function Invoke-Quiet {
        param([string]$Command)
        $shell = [powershell]::Create()
        try {
            $shell.AddScript("Import-Module '$ModulePath'; `$image = '$image'; $Command").Invoke()
            if ($shell.Streams.Error) { throw $shell.Streams.Error[0] }
        }
        finally { $shell.Dispose() }
    }
}

AfterAll {
    Undo-IaaSOperation -Confirm:$false
    Exit-TestHome
}

Describe 'Every cmdlet that changes something:' {
    It '<Name> is tried here' -ForEach $cmdlets { $Covered | Should -Contain $Name }
}

Describe '-WhatIf of <Script>' -ForEach $changes {
    BeforeAll { $before = Get-FolderState $fabric }

    It 'changes nothing and gives out nothing' {
        Invoke-Quiet "$Script -WhatIf" | Should -BeNullOrEmpty
        Get-FolderState $fabric | Should -Be $before
    }
}

Describe '-WhatIf' {
    It 'is the same by preference, for every cmdlet' {
        $before = Get-FolderState $fabric
        Invoke-Quiet "`$WhatIfPreference = `$true; $($Changes.Script -join '; ')" | Should -BeNullOrEmpty
        Get-FolderState $fabric | Should -Be $before
    }

    It 'says what would be done, for every cmdlet' {
        $said = (Invoke-Shell "`$image = '$image'; $(($Changes.Script | ForEach-Object { "$_ -WhatIf" }) -join '; ')") -replace '^What if: '
        foreach ($change in $Changes) { $said -match [regex]::Escape($change.Says) | Should -Not -BeNullOrEmpty -Because $change.Script }
    }
} -ForEach @{ Changes = $changes }

Describe '-WhatIf of an import' {
    It 'makes every refusal that the import would make' {
        { Import-IaaSVm $image -Name running -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'VmNameTaken,*'
        { Import-IaaSVm $PSCommandPath -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'DiskImageUnrecognised,*'
        { Import-IaaSVm $image -Name other -Memory 512 -WhatIf -ErrorAction Stop } | Should -Throw -ErrorId 'InvalidMemorySize,*'
    }

    It 'in a fabric that nothing was ever imported to leaves that as empty as it was' {
        $empty = New-TestFabric (Join-Path $TestHome empty) -Name empty
        $before = Get-FolderState $empty.Path
        Invoke-Quiet 'Import-IaaSVm $image -WhatIf'
        Get-FolderState $empty.Path | Should -Be $before
        Connect-IaaS -Path $fabric -Hypervisor Simulated -Name test | Out-Null
    }
}

Describe '-Confirm' {
    It 'asks for each machine or host, and a no leaves it alone' -Skip:(-not $IsLinux) {
        $answer = "n`ny`n" | & $PowerShellPath -NoLogo -NoProfile -Command "Import-Module '$ModulePath'; (Get-IaaSVm stopped, ended | Start-IaaSVm -Confirm).Name"
        "$answer" | Should -Match 'Are you sure'
        (Get-IaaSVm stopped).State | Should -Be Deallocated
        (Get-IaaSVm ended).State | Should -Be Running
        Stop-IaaSVm ended | Out-Null
        $answer = "n`ny`n" | & $PowerShellPath -NoLogo -NoProfile -Command "Import-Module '$ModulePath'; Stop-IaaSHost host2, host3 -Force"
        "$answer" | Should -Match 'Are you sure.*host2'
        (Get-IaaSHost).State | Should -Be 'Up', 'Up', 'Down'
        Resume-IaaSHost host3 | Out-Null
    }

    It 'is what <_> does unless told otherwise' -ForEach 'Remove-IaaSVm', 'Restore-IaaSVmCheckpoint', 'Remove-IaaSVmDisk', 'Stop-IaaSHost' {
        (Get-Command $_).ImplementingType.GetCustomAttributes($true).Where{ $_ -is [Management.Automation.CmdletAttribute] }.ConfirmImpact | Should -Be High
    }

    It 'that nobody can answer does nothing' {
        $before = Get-FolderState $fabric
        $answers = Invoke-Shell 'Remove-IaaSVm stopped; Restore-IaaSVmCheckpoint ended kept; Remove-IaaSVmDisk large disk1; Stop-IaaSHost host1 -Force'
        @($answers -match 'NonInteractive').Count | Should -Be 4
        Get-FolderState $fabric | Should -Be $before
    }
}

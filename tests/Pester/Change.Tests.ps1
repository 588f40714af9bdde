# Changes of simulated machines: their sizes, sets, orders and tags; their hosts; their disks.

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    $image = (New-TestImage (Join-Path $TestHome image.raw)).FullName
}

AfterAll { Exit-TestHome }

Describe 'A change of machines' {
    BeforeEach { 'vm1', 'vm2', 'vm3' | ForEach-Object { Import-IaaSVm $image -Name $_ } | Out-Null }
    AfterEach { Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false }

    Context 'Set-IaaSVm' {
        It 'changes what is named, and nothing else' {
            $vm = Set-IaaSVm vm1 -Cpu 4 -Memory 2GB -AvailabilitySet web -StartOrder 3 -Tag @{ owner = 'sales'; floor = 3 }
            $vm.Cpu, $vm.Memory, $vm.AvailabilitySet, $vm.StartOrder, $vm.Tags['owner'], $vm.Tags['floor'] | Should -Be 4, 2GB, 'web', 3, 'sales', '3'
            $vm = Set-IaaSVm vm1 -StartOrder -1
            $vm.Cpu, $vm.Memory, $vm.AvailabilitySet, $vm.StartOrder, $vm.Tags.Count | Should -Be 4, 2GB, 'web', -1, 2
            $vm = Set-IaaSVm vm1 -AvailabilitySet '' -Tag @{ }
            $vm.AvailabilitySet, $vm.Tags.Count, $vm.Cpu | Should -Be $null, 0, 4
            (Set-IaaSVm vm1).Cpu | Should -Be 4
        }

        It 'takes machines from the pipeline and sizes as text' {
            (Get-IaaSVm | Set-IaaSVm -Memory '1.5 GB').Memory | Should -Be 1536MB, 1536MB, 1536MB
            ('vm1' | Set-IaaSVm -Cpu 2).Cpu | Should -Be 2
            (Set-IaaSVm vm* -StartOrder 7 -AsJob | Complete-Job).StartOrder | Should -Be 7, 7, 7
        }

        It 'leaves the hardware of a machine that runs alone, and changes the rest of it' {
            Start-IaaSVm vm1 | Out-Null
            Assert-Refused { Set-IaaSVm vm1 -Cpu 2 -ErrorAction Stop } VmStateForbids InvalidOperation 'Stop-IaaSVm'
            Assert-Refused { Set-IaaSVm vm1 -Memory 2GB -StartOrder 9 -ErrorAction Stop } VmStateForbids InvalidOperation 'Stop-IaaSVm'
            (Get-IaaSVm vm1).StartOrder | Should -Be 0 -Because 'all of it is done, or nothing'
            (Set-IaaSVm vm1 -StartOrder 9).State | Should -Be Running
        }

        It 'refuses sizes that are not possible' {
            Assert-Refused { Set-IaaSVm vm1 -Cpu 0 -ErrorAction Stop } InvalidCpuCount InvalidArgument '-Cpu'
            Assert-Refused { Set-IaaSVm vm1 -Cpu 1025 -ErrorAction Stop } InvalidCpuCount InvalidArgument '1024'
            Assert-Refused { Set-IaaSVm vm1 -Memory 512 -ErrorAction Stop } InvalidMemorySize InvalidArgument 'Perhaps 512MB'
            Assert-Refused { Set-IaaSVm vm1 -Memory ([long]-1) -ErrorAction Stop } InvalidMemorySize InvalidArgument '-Memory'
            { Set-IaaSVm vm1 -Memory lots } | Should -Throw "*'lots' is not a size*"
            (Get-IaaSVm vm1).Memory | Should -Be 1GB
        }

        It 'keeps machines of one set apart, from their next start on' {
            Set-IaaSVm vm* -AvailabilitySet web | Out-Null
            $started = Start-IaaSVm vm1, vm2, vm3
            $domains = $started | ForEach-Object { (Get-IaaSHost $_.Host).FaultDomain } | Sort-Object -Unique
            $domains | Should -Be 0, 1, 2
        }
    }

    Context 'Move-IaaSVm' {
        It 'takes a machine that runs to the host that is named, and to one of its own choice' {
            $vm = Start-IaaSVm vm1
            $others = (Get-IaaSHost).Name | Where-Object { $_ -ne $vm.Host }
            $moved = Move-IaaSVm vm1 $others[0]
            $moved.Host, $moved.State, $moved.PreferredHost | Should -Be $others[0], 'Running', $others[0]
            (Get-IaaSVm vm1 | Move-IaaSVm).Host | Should -Not -Be $others[0]
            @(Get-IaaSVmConsole vm1 | Where-Object { $_ -match 'is running' }).Count | Should -Be 1 -Because 'its guest never restarted'
        }

        It 'takes many, in a job' {
            Get-IaaSVm | Start-IaaSVm | Out-Null
            (Get-IaaSVm | Where-Object Host -NE host3 | Move-IaaSVm -TargetHost host3 -AsJob | Complete-Job).Host | Should -Be 'host3', 'host3'
        }

        It 'moves the place that a stopped machine keeps, where it starts then' {
            $vm = Start-IaaSVm vm1 | Stop-IaaSVm -StayProvisioned
            $to = (Get-IaaSHost).Name | Where-Object { $_ -ne $vm.Host } | Select-Object -Last 1
            $moved = Move-IaaSVm vm1 $to
            $moved.State, $moved.Host | Should -Be 'Stopped', $to
            (Start-IaaSVm vm1).Host | Should -Be $to
        }

        It 'is refused for a machine that keeps no place, for hosts that will not do, and for the host it is on' {
            Assert-Refused { Move-IaaSVm vm1 -ErrorAction Stop } VmStateForbids InvalidOperation 'Start-IaaSVm'
            Assert-Refused { Move-IaaSVm vm1 host2 -ErrorAction Stop } VmStateForbids InvalidOperation 'Start-IaaSVm'
            $vm = Start-IaaSVm vm1
            Assert-Refused { Move-IaaSVm vm1 $vm.Host -ErrorAction Stop } VmIsThereAlready InvalidOperation 'another host'
            Assert-Refused { Move-IaaSVm vm1 nowhere -ErrorAction Stop } HostNotFound ObjectNotFound 'Get-IaaSHost'
            $other = (Get-IaaSHost).Name | Where-Object { $_ -ne $vm.Host } | Select-Object -First 1
            Suspend-IaaSHost $other | Out-Null
            Assert-Refused { Move-IaaSVm vm1 $other -ErrorAction Stop } NoHostFits LimitsExceeded 'host'
            Resume-IaaSHost $other | Out-Null
            (Get-IaaSVm vm1).ProcessId, (Get-IaaSVm vm1).Host | Should -Be $vm.ProcessId, $vm.Host
        }
    }

    Context 'A disk' {
        It 'is added by position, named by number, and as large as it was to be' {
            $vm = Add-IaaSVmDisk vm1 20GB
            $vm.Disks.Name | Should -Be 'disk0', 'disk1'
            $disk = Get-IaaSVmDisk vm1 | Select-Object -Last 1
            $disk.Length, $disk.Controller, $disk.Format, $disk.VmName, $disk.Context | Should -Be 20GB, 'Ide', 'raw', 'vm1', 'test'
            (Get-Item $disk.Path).Length | Should -Be 20GB
            (Add-IaaSVmDisk vm1 -Size '1 GB' -DiskController Nvme).Disks[2].Controller | Should -Be Nvme
            (Get-IaaSVm vm2, vm3 | Add-IaaSVmDisk -Size 5MB).Disks.Count | Should -Be 4
        }

        It 'is listed of all machines, of one, and of those on the pipeline' {
            Add-IaaSVmDisk vm1 1GB | Out-Null
            (Get-IaaSVmDisk).VmName | Should -Be 'vm1', 'vm1', 'vm2', 'vm3'
            (Get-IaaSVmDisk vm1).Name | Should -Be 'disk0', 'disk1'
            (Get-IaaSVm vm[23] | Get-IaaSVmDisk).Name | Should -Be 'disk0', 'disk0'
            { Get-IaaSVmDisk $null } | Should -Throw -ErrorId 'Parameter*'
            (Get-ErrorOf { Get-IaaSVmDisk nobody -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'VmNotFound,*'
        }

        It 'is added under a machine that runs, on controllers that take it' {
            Start-IaaSVm vm1 | Out-Null
            (Add-IaaSVmDisk vm1 1GB).Disks[1].Controller | Should -Be VirtioBlk
            Assert-Refused { Add-IaaSVmDisk vm1 1GB -DiskController Sata -ErrorAction Stop } ControllerNotHotPluggable InvalidOperation 'VirtioBlk'
            @(Get-IaaSVmDisk vm1).Count | Should -Be 2
            @(Get-ChildItem (Split-Path (Get-IaaSVmDisk vm1)[0].Path) -Filter disk*.raw).Count | Should -Be 2 -Because 'a refusal leaves no file'
        }

        It 'is refused: <Size>' -ForEach @{ Size = 0 }, @{ Size = 1000 }, @{ Size = 1MB + 1 }, @{ Size = 65TB }, @{ Size = -1 } {
            Assert-Refused { Add-IaaSVmDisk vm1 $Size -ErrorAction Stop } InvalidDiskSize InvalidArgument '-Size 20GB'
            @(Get-IaaSVmDisk vm1).Count | Should -Be 1
        }

        It 'is refused with a size that is none, and under checkpoints' {
            { Add-IaaSVmDisk vm1 large } | Should -Throw "*'large' is not a size*"
            Add-IaaSVmDisk vm1 1GB | Checkpoint-IaaSVm -CheckpointName kept | Out-Null
            Assert-Refused { Add-IaaSVmDisk vm1 1GB -ErrorAction Stop } VmHasCheckpoints InvalidOperation 'Remove-IaaSVmCheckpoint'
            Assert-Refused { Remove-IaaSVmDisk vm1 disk1 -Confirm:$false -ErrorAction Stop } VmHasCheckpoints InvalidOperation 'Remove-IaaSVmCheckpoint'
        }

        It 'is removed with its file, or without' {
            1..3 | ForEach-Object { Add-IaaSVmDisk vm1 1GB } | Out-Null
            $paths = (Get-IaaSVmDisk vm1).Path
            (Remove-IaaSVmDisk vm1 DISK1 -Confirm:$false).Disks.Name | Should -Be 'disk0', 'disk2', 'disk3'
            $paths[1] | Should -Not -Exist
            (Remove-IaaSVmDisk vm1 -DiskName disk2 -KeepFile -Confirm:$false).Disks.Name | Should -Be 'disk0', 'disk3'
            $paths[2] | Should -Exist
            (Add-IaaSVmDisk vm1 1GB).Disks.Name | Should -Be 'disk0', 'disk3', 'disk1'
            (Add-IaaSVmDisk vm1 1GB).Disks.Name | Should -Not -Contain disk2 -Because 'a file that was kept is not overwritten'
        }

        It 'is removed on the pipeline, as itself and as what a file has made of it' {
            Get-IaaSVm vm1, vm2 | Add-IaaSVmDisk -Size 1GB | Add-IaaSVmDisk -Size 1GB | Out-Null
            $file = Join-Path $TestHome disks.xml
            Get-IaaSVmDisk vm1 | Where-Object Name -EQ disk2 | Export-Clixml $file
            (Import-Clixml $file | Remove-IaaSVmDisk -Confirm:$false).Disks.Name | Should -Be 'disk0', 'disk1'
            (Get-IaaSVmDisk | Where-Object Name -Like disk[12] | Remove-IaaSVmDisk -Confirm:$false).Name | Select-Object -Unique | Should -Be 'vm1', 'vm2'
            (Get-IaaSVmDisk).Name | Should -Be 'disk0', 'disk0', 'disk0'
        }

        It 'is not removed when it is the one to boot from, when there is none, and when none is named' {
            Assert-Refused { Remove-IaaSVmDisk vm1 disk0 -Confirm:$false -ErrorAction Stop } BootDisk InvalidArgument 'Remove-IaaSVm'
            Assert-Refused { Remove-IaaSVmDisk vm1 disk7 -Confirm:$false -ErrorAction Stop } DiskNotFound ObjectNotFound 'disk0'
            Assert-Refused { Remove-IaaSVmDisk vm1 -Confirm:$false -ErrorAction Stop } DiskNameMissing InvalidArgument 'Get-IaaSVmDisk'
            @(Get-IaaSVmDisk vm1).Count | Should -Be 1
        }
    }
}
